"""The one door to the durable engine. Nothing else imports it.
"""
