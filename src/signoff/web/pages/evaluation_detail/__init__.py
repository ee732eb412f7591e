"""One evaluation: what it came to and why, and each example with both answers side by side."""
