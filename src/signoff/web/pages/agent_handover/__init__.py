"""Handing one agent over: from whom to whom, and the steps that are left."""
