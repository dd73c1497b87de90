#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| unlike_fuzz::readers::run("arrow", bytes));
