"""Values as text, the way .NET writes them under the invariant culture, and back."""
