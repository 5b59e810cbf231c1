//! Fulfil access and erasure requests at Twilio Segment from the command line.
fn main() {}
