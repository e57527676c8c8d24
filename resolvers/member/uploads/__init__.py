"""Pictures that members send."""
