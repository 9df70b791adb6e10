"""What the gateway does: quoting, booking, following, recovering, notifying, scoring; `driving` puts them in order."""
