"""A browser in a network namespace: does what lines of JSON on standard input say.

Each line is a list of a verb and its arguments; each is answered with one line of JSON.
It is a program of its own because it must live where the page is served.
"""

from __future__ import annotations

import json
import sys
import time

from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # we are root, in a namespace that was made for this
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
)


class Browser:
    """Chromium, by Debian's driver."""

    def __init__(self):
        options = Options()
        for switch in SWITCHES:
            options.add_argument(switch)
        options.binary_location = "/usr/bin/chromium"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(
            options=options, service=Service("/usr/bin/chromedriver")
        )
        self.driver.set_window_size(1280, 1400)

    def open(self, address):
        """Go there."""
        self.driver.get(address)

    def until(self, script, timeout):
        """Wait until the expression is true; its value, and the moment it was."""
        end = time.monotonic() + timeout
        while True:
            value = self.driver.execute_script(f"return {script}")
            if value:
                return [value, time.monotonic()]
            if time.monotonic() > end:
                text = self.driver.execute_script("return document.body.innerText")
                return [None, text]
            time.sleep(0.02)

    def log(self):
        """What the browser complained about."""
        return [
            each["message"]
            for each in self.driver.get_log("browser")
            if each["level"] in ("SEVERE", "WARNING")
        ]

    def axe(self):
        """The barriers that axe-core finds, by their rules."""
        found = Axe().run(self.driver)
        return [
            [each["id"], [node["html"][:200] for node in each["nodes"]]]
            for each in found["violations"]
        ]

    def tab(self, count):
        """Press the tab key so often; what had the focus after each."""
        seen = []
        for _ in range(count):
            self.driver.switch_to.active_element.send_keys(Keys.TAB)
            active = self.driver.switch_to.active_element
            seen.append(active.get_attribute("id") or active.text or active.tag_name)
        return seen

    def click(self, selector):
        """Click on the element."""
        self.driver.find_element("css selector", selector).click()

    def type(self, selector, text):
        """Type into the element."""
        self.driver.find_element("css selector", selector).send_keys(text)

    def size(self, width, height):
        """The window is so large from now on; whether the page is wider than it."""
        self.driver.set_window_size(width, height)
        root = "document.documentElement"
        script = f"return {root}.scrollWidth > {root}.clientWidth"
        return self.driver.execute_script(script)

    def shot(self, path):
        """A picture of the window."""
        self.driver.save_screenshot(path)


def main():
    """Answer line by line, until there are no more."""
    browser = Browser()
    try:
        print(json.dumps("ready"), flush=True)
        for line in sys.stdin:
            verb, *arguments = json.loads(line)
            print(json.dumps(getattr(browser, verb)(*arguments)), flush=True)
    finally:
        browser.driver.quit()


if __name__ == "__main__":
    main()
