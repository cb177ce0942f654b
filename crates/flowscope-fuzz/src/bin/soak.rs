//! Tracks millions of flows one after the other, and looks whether memory stays
//! as it was: `soak [MINUTES]`.

use core::time::Duration;
use std::process::ExitCode;

use flowscope_fuzz::soak;

fn main() -> ExitCode {
    let minutes = std::env::args()
        .nth(1)
        .map_or(Some(2), |it| it.parse().ok());
    let Some(minutes) = minutes.filter(|minutes: &u64| *minutes > 0) else {
        eprintln!("usage: soak [MINUTES]");
        return ExitCode::from(2);
    };
    // Half of the time with room for all flows, half without.
    let each = Duration::from_secs(30 * minutes);
    for setting in [soak::Setting::Roomy, soak::Setting::Crowded] {
        println!("{setting:?}\n{}", soak::Sample::HEADER);
        let samples = soak::run(setting, each, &mut |sample| println!("{sample}"));
        if let Err(reason) = soak::check(&samples) {
            eprintln!("soak: {reason}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
