"""What a log and its tickets hold, as a review reads them."""
