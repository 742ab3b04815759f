from celery import chord

from tutorial import double, total

if __name__ == "__main__":
    result = chord(double.s(number) for number in range(10))(total.s())
    print(result.id, result.ready())
