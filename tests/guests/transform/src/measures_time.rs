//! Wants to know how long something takes: what a name is answered with, say.

pub fn run() -> ! {
    panic!("it is {:?}", std::time::Instant::now())
}
