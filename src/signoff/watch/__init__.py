"""Watch: streaks of failures and the alerts they raise."""
