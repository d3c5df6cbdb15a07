"""What each method does: one file a resource, loaded when one of its methods is first asked for (see `dispatch`)."""
