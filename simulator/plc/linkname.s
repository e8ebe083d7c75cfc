// This file is empty: it allows library.go to declare a function whose body is elsewhere.
