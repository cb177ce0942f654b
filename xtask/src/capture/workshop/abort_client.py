"""Asks for a long text, reads some of it and closes hard."""
import socket
import struct

connection = socket.create_connection(("server.example", 80))
connection.sendall(b"GET /slow.txt HTTP/1.0\r\n\r\n")
connection.recv(5000)
connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
connection.close()
