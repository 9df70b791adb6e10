"""The processes: what each part does when it runs, and how one that runs them all keeps them."""
