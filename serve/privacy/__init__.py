"""What people ask about their own data, and what they agree to: requests, answers to them, erasure, consents."""
