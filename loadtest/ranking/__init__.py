"""Judge orders of posts on real conversations, and fit the weights of the product's score."""
