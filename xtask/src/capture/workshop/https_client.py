"""Two requests and a chunked upload over one connection."""
import http.client
import ssl

context = ssl.create_default_context(cafile="ca.pem")
connection = http.client.HTTPSConnection("server.example", context=context)
for path in ("/", "/missing"):
    connection.request("GET", path)
    print(connection.getresponse().read())
chunks = iter([b"first,", b"second"])
connection.request("POST", "/form", body=chunks, encode_chunked=True)
print(connection.getresponse().read())
connection.close()
