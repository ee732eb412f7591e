"""Acts whose outcome nobody knows: a person looks, says what is true, and the run goes on."""
