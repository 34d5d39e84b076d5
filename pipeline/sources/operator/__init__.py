"""The synthetic operator: an invented telecom operator whose churn, causes and hidden types are known exactly."""
