"""Pictures of results, drawn by matplotlib without a display. Each module is imported where its picture is wanted."""
