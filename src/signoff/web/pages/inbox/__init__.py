"""The Activity Inbox: what waits for people, the request on show, its answer, and deciding several of one gate."""
