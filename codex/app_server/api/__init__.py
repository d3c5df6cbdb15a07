"""What the app-server says on the wire, as data: one module a resource."""
