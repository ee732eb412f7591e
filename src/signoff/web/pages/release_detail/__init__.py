"""One release: where it is on its way, what it rests on, who signed, and what one may do about it."""
