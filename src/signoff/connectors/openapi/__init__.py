"""Plain HTTP, as an OpenAPI 3 document describes it: each operation is a tool."""
