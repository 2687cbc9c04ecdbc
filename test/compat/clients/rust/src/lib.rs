//! The steps that every program takes, and how it reports them: `ok STEP detail` or `no STEP reason`.
use std::fmt::Display;

pub type Step = Result<String, Box<dyn std::error::Error>>;

pub fn port() -> u16 {
    std::env::args().nth(1).unwrap().parse().unwrap()
}

pub fn name() -> String {
    std::env::args().nth(2).unwrap()
}

/// The key of a topic of this program, with the shape of its reply ("": integers).
pub fn key(topic: &str, reply: &str) -> String {
    let shape = if reply.is_empty() { String::new() } else { format!(":{{\"rafka.reply\":\"{reply}\"}}") };
    format!("topics:{}-{topic}{shape}", name())
}

pub fn client(group: &str) -> String {
    format!("{}-{group}:c", name())
}

pub fn expect(wanted: impl Display, got: impl Display) -> Step {
    let (wanted, got) = (wanted.to_string(), got.to_string());
    if wanted == got { Ok(String::new()) } else { Err(format!("got {got} for {wanted}").into()) }
}

pub fn report(step: &str, result: Step) {
    match result {
        Ok(detail) => println!("{}", format!("ok {step} {detail}").trim_end()),
        Err(error) => println!("no {step} {}", error.to_string().lines().next().unwrap_or("")),
    }
}
