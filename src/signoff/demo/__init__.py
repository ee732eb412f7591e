"""The demo: a mailbox, a small ERP and an offline scripted model, so that the product is seen working without a key."""
