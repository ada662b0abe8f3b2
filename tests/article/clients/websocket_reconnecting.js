let socket;
let attempts = 0;
const maxAttempts = 10;

function connect() {
  socket = new WebSocket('ws://localhost:8000/');

  socket.onopen = () => {
    console.log('Connected');
    attempts = 0;
  };

  socket.onmessage = (event) => console.log('Received:', event.data);

  socket.onclose = () => {
    if (attempts >= maxAttempts) {
      console.log('Giving up');
      return;
    }
    attempts += 1;
    const delay = 3000 * 2 ** (attempts - 1);
    console.log(`Reconnecting, attempt ${attempts}/${maxAttempts}`);
    setTimeout(connect, delay);
  };
}

connect();
