"""Being told of requests: when one is away and who answers then, by which ways one is told, accounts in chats."""
