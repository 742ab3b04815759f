@echo off
rem Windows 不支持 prefork
celery -A weather.app worker --pool=solo --loglevel=info
pause
