from payments.worker import capture

if __name__ == "__main__":
    result = capture.delay(input("payment: "))
    print(result.get(timeout=15).get("captured"))
