"""气象站的配置。"""
import os

# 消息队列
broker_url = os.getenv('BROKER_URL', 'amqp://guest:guest@127.0.0.1:5672//')

# 结果存储
result_backend = 'mongodb://weather@10.20.30.41:27017/weather'
mongodb_backend_settings = {
    'database': 'weather',
    'taskmeta_collection': '结果',
    'max_pool_size': 20,
}
result_expires = '86400'
result_serializer = 'json'

timezone = 'Asia/Shanghai'
enable_utc = True
worker_pool = 'solo'
