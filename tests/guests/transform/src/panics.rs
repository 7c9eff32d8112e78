//! Panics, with a message that a person should see.

pub fn run() -> ! {
    panic!("the tide went out");
}
