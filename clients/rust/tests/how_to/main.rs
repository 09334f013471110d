//! The blocks in Rust of the pages on how to do things, each a test.
mod faults;
mod first;
mod races;
mod seeding;
mod sweeps;
mod time;
mod tokens;

#[path = "../shop/mod.rs"]
mod shop;
