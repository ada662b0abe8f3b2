const socket = new WebSocket('ws://localhost:8000/');

socket.onopen = () => {
  console.log('Connected');
  socket.send('Hello, server!');
};

socket.onmessage = (event) => console.log('Received:', event.data);

socket.onerror = () => console.log('WebSocket error');

socket.onclose = () => console.log('Disconnected');
