//! The program `unlike`: the library's command line, and the allocator that it runs with.

/// Training and scoring ask for buffers of some megabytes at every step; mimalloc keeps and reuses
/// them, where the system's allocator gives the pages back and faults them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let program = std::env::current_exe().map_or_else(|_| "unlike".into(), Into::into);
    unlike_cli::run(vec![program], std::env::args_os()).into()
}
