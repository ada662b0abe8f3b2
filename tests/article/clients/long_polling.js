function longPoll() {
  fetch('/api/long-poll')
    .then((response) => response.json())
    .then((data) => {
      console.log('New data:', data.message);
      longPoll();
    })
    .catch((error) => {
      console.log('Long polling failed:', error.message);
      setTimeout(longPoll, 5000);
    });
}

longPoll();
