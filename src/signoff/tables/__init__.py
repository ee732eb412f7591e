"""What is stored: one file of tables per room, the session, and the migrations.

Every table a workspace owns carries `workspace_id`. Times are UTC, money is exact.
"""
