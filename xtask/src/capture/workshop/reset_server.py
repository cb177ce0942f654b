"""Answers one connection and closes it hard."""
import socket
import struct

listener = socket.create_server(("", 7000))
connection, _ = listener.accept()
connection.sendall(connection.recv(100).upper())
connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
connection.close()
