//! Hosts that talk, for the tests of live captures: `peer ROLE ARGUMENT…`.
//!
//! - `serve-http ADDRESS`: answers requests of HTTP/1.
//! - `get ADDRESS PATH…`: sends requests on one connection.
//! - `serve-dns ADDRESS`: answers questions of DNS over UDP.
//! - `flood ADDRESS COUNT RATE PORTS`: sends UDP datagrams, so many a second, or
//!   as fast as it goes with 0, to so many ports in turn; says how many were sent.
#![allow(clippy::print_stdout, reason = "what was sent is told there")]

use core::error::Error;
use core::time::Duration;
use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["serve-http", address] => serve_http(address),
        ["get", address, ref paths @ ..] => get(address, paths),
        ["serve-dns", address] => serve_dns(address),
        ["flood", address, count, rate, ports] => {
            flood(address, count.parse()?, rate.parse()?, ports.parse()?)
        }
        _ => Err("no such role".into()),
    }
}

fn serve_http(address: &str) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address)?;
    println!("ready");
    for stream in listener.incoming() {
        let stream = stream?;
        // A client that goes away is no reason to stop.
        thread::spawn(move || answer_requests(stream));
    }
    Ok(())
}

fn answer_requests(stream: TcpStream) -> std::io::Result<()> {
    let mut requests = BufReader::new(stream.try_clone()?);
    let mut answers = stream;
    loop {
        let mut start = String::new();
        if requests.read_line(&mut start)? == 0 {
            return Ok(());
        }
        let mut line = String::new();
        while requests.read_line(&mut line)? > 2 {
            line.clear();
        }
        let path = start.split(' ').nth(1).unwrap_or("/").to_owned();
        let body = path.repeat(100);
        let status = if path == "/none" {
            "404 Not Found"
        } else {
            "200 OK"
        };
        write!(
            answers,
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
            body.len(),
        )?;
    }
}

fn get(address: &str, paths: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut requests = TcpStream::connect(address)?;
    let mut answers = BufReader::new(requests.try_clone()?);
    for path in paths {
        write!(
            requests,
            "GET {path} HTTP/1.1\r\nHost: plain.example\r\n\r\n"
        )?;
        let mut length = 0;
        let mut line = String::new();
        while answers.read_line(&mut line)? > 2 {
            if let Some(digits) = line.strip_prefix("Content-Length: ") {
                length = digits.trim().parse()?;
            }
            line.clear();
        }
        answers.read_exact(&mut vec![0; length])?;
    }
    Ok(())
}

fn serve_dns(address: &str) -> Result<(), Box<dyn Error>> {
    let socket = UdpSocket::bind(address)?;
    println!("ready");
    let mut query = [0; 512];
    loop {
        let (len, client) = socket.recv_from(&mut query)?;
        let query = &query[..len];
        // The question ends behind the first empty label, its type and class.
        let name = query.iter().skip(12).position(|byte| *byte == 0);
        let Some(question) = name.and_then(|end| query.get(..12 + end + 5)) else {
            continue;
        };
        let mut answer = question.to_vec();
        answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
        socket.send_to(&answer, client)?;
    }
}

fn flood(address: &str, count: u64, rate: u64, ports: u16) -> Result<(), Box<dyn Error>> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let start = Instant::now();
    let (mut sent, mut refused) = (0, 0);
    for n in 0..count {
        if rate > 0 && n % BURST == 0 {
            let due = Duration::from_secs_f64(n as f64 / rate as f64);
            thread::sleep(due.saturating_sub(start.elapsed()));
        }
        let port = 10_000 + u16::try_from(n % u64::from(ports.max(1)))?;
        // The device may have no room.
        match socket.send_to(&[0; 64], (address, port)) {
            Ok(_) => sent += 1,
            Err(_) => refused += 1,
        }
    }
    println!("{sent} {refused} {}", start.elapsed().as_secs_f64());
    Ok(())
}

/// Datagrams between two looks at the clock.
const BURST: u64 = 32;
