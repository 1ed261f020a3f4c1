"""One module per format of answers, each turning text into JSON."""
