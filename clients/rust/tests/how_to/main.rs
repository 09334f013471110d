//! The tests of `docs/how-to/rust.md`, a file for each of its sections, and that of the README.
mod crashes;
mod faults;
mod first;
mod orders;
mod races;
mod seeding;
mod sweeps;
mod time;
mod tokens;

#[path = "../shop/mod.rs"]
mod shop;
