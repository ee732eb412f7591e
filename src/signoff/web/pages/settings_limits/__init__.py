"""What bounds the work: money per day, prices, and freezes in force."""
