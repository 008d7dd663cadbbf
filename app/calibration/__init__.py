"""What gridding costs on the operator's own pictures: measured, shown, and stored for `serve`."""
