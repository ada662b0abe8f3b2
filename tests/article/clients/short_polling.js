function checkStatus() {
  fetch('/api/status')
    .then((response) => response.json())
    .then((data) => console.log('Status:', data.status))
    .catch((error) => console.log('Polling failed:', error.message));
}

checkStatus();
setInterval(checkStatus, 5000);
