"""sks-proxy with a person at its terminal: consent, and a PIN that is asked for twice."""

from rig.clicase import DONE, REFUSED, Terminal
from rig.processes import program_path
from rig.testcase import RigTest


class AtTheTerminal(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca])

    def terminal(self, *options):
        terminal = Terminal([program_path("sks-proxy"), "provision",
                             self.issuer.url + "/kg2/p256-user-pin", "--token", self.token.url,
                             *options])
        self.addCleanup(terminal.kill)
        return terminal

    def test_consent_and_pin(self):
        typed = ("4711a", "4711b", "471", "97531")
        terminal = self.terminal()
        terminal.answer("Go on? [y/N] ", "y").wait_for("Choose a PIN for key")
        terminal.answer("PIN: ", typed[0]).answer("Again: ", typed[1]).wait_for("The two differ.")
        terminal.answer("PIN: ", typed[2]).answer("Again: ", typed[2]).wait_for("is too short")
        terminal.answer("PIN: ", typed[3]).wait_for("Again: ")
        self.assertNotIn(typed[3].encode(), terminal.arguments())
        terminal.type(typed[3])
        self.assertEqual(terminal.finish(), DONE, terminal.shown)
        for pin in typed:
            self.assertNotIn(pin, terminal.shown)
        self.assertEqual(len(self.token.list()), 1)

    def test_the_terminal_goes_away(self):
        """Both ends learn of it, as of Ctrl-C."""
        before = self.token.list()
        terminal = self.terminal()
        terminal.answer("Go on? [y/N] ", "y").wait_for("PIN: ")
        terminal.hang_up()
        self.assertEqual(terminal.finish(), REFUSED, terminal.shown)
        self.assertIn("interrupted", terminal.shown)
        self.assertEqual(self.token.list(), before)
        session = self.issuer.sessions()[0]
        self.assertEqual((session["verdict"], session["cause"]),
                         ("failed", "aborted by the client"))

    def test_declined(self):
        before = self.token.list()
        for answer in ("n", "", "yes please"):
            terminal = self.terminal()
            terminal.answer("Go on? [y/N] ", answer)
            self.assertEqual(terminal.finish(), REFUSED, terminal.shown)
            self.assertIn("the user declined", terminal.shown)
        self.assertEqual(self.token.list(), before)
