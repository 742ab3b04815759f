from celery import shared_task


@shared_task(name="newsletter.clean_list")
def clean_list(addresses):
    return list({address.lower() for address in addresses})
