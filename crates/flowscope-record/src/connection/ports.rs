//! Ports that servers are known to listen on, as Zeek has them: where no SYN
//! was seen, they say who is the responder.

use flowscope_core::wire::IpProtocol;

/// Whether a port is likely to be a server's.
pub(super) fn is_likely_server(protocol: IpProtocol, port: u16) -> bool {
    match protocol {
        IpProtocol::TCP => TCP.binary_search(&port).is_ok(),
        IpProtocol::UDP => UDP.binary_search(&port).is_ok(),
        _ => false,
    }
}

/// Whether datagrams to it are those of DNS and its relatives.
pub(super) fn is_dns(port: u16) -> bool {
    matches!(port, 53 | 137 | 5353 | 5355)
}

const TCP: [u16; 53] = [
    21, 22, 25, 53, 79, 80, 81, 88, 102, 111, 135, 139, 143, 389, 443, 445, 502, 563, 585, 587,
    614, 631, 636, 989, 990, 992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3269, 3306, 3389,
    5060, 5222, 5223, 5269, 5432, 6379, 6666, 6667, 6668, 6669, 8000, 8080, 8883, 8888, 20000,
    47808,
];

const UDP: [u16; 26] = [
    53, 67, 68, 88, 111, 123, 135, 137, 161, 162, 389, 443, 514, 784, 1812, 2123, 2152, 3544, 4011,
    4789, 5060, 5072, 5353, 5355, 6081, 20000,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_in_order() {
        assert!(TCP.is_sorted() && UDP.is_sorted());
        assert!(is_likely_server(IpProtocol::TCP, 443));
        assert!(is_likely_server(IpProtocol::UDP, 53));
        assert!(!is_likely_server(IpProtocol::TCP, 40_000));
    }
}
