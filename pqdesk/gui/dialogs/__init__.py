"""The dialogs. Each is opened with open(), never exec(): live updates go on behind it."""
