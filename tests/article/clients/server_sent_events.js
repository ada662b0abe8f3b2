const source = new EventSource('/events');

source.onmessage = (event) => {
  const data = JSON.parse(event.data);
  console.log('Message:', data.message, data.timestamp);
};

source.addEventListener('close', (event) => {
  console.log('Server closed the stream:', event.data);
  source.close();
});

source.onerror = () => console.log('Stream error');
