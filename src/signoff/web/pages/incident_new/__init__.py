"""The form that declares an incident: what went wrong, how bad it is, which agent, which runs show it."""
