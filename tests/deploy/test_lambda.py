"""The template of examples/lambda: what each function is started with, and that it may read the table and nothing else."""

import io
import re
import unittest
import zipfile

import cloud
from cloud import ACCOUNT, statements
from template import ROOT, Stack, load

FOLDER = ROOT / "examples/lambda"
PATH = FOLDER / "template.yaml"
CODE = {"CodeBucket": "archives", "CodeKey": "flags/1.zip"}
LANGUAGES = ["Rust", "Python", "Node", "Go"]
TABLE = f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/flags"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1"


def stack(**parameters):
    return Stack({**CODE, "TableName": "flags", **parameters}, name="flags", path=PATH)


class Template(unittest.TestCase):
    def test_nothing_is_declared_and_not_used(self):
        template, text = load(PATH), PATH.read_text()
        self.assertEqual(template["Parameters"]["Language"]["AllowedValues"], LANGUAGES)
        self.assertEqual(list(template["Mappings"]["Languages"]), LANGUAGES)
        for name in template["Parameters"]:
            self.assertRegex(text, rf"(!Ref |\$\{{){name}\b", name)

    def test_the_role_may_read_the_rows_and_write_the_log(self):
        for prefix, before in [("", ""), ("shop", "shop:")]:
            table, log = stack(Prefix=prefix).properties("Role")["Policies"]
            keys = [f"{before}{it}" for it in ("features", "segments", "$inited")]
            self.assertEqual(list(statements(table["PolicyDocument"])), [{
                "Sid": "Rows", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": [TABLE],
                "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": keys}},
            }])
            self.assertEqual(list(statements(log["PolicyDocument"])), [{
                "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": ["<LogGroup.Arn>"],
            }])

    def test_a_key_of_ones_own_may_be_used_by_dynamodb_alone(self):
        table, _ = stack(TableKeyArn=KEY).properties("Role")["Policies"]
        _, key = statements(table["PolicyDocument"])
        self.assertEqual(key, {
            "Sid": "Key", "Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [KEY],
            "Condition": {"StringEquals": {"kms:ViaService": "dynamodb.eu-central-1.amazonaws.com"}},
        })

    def test_the_variables_are_those_that_every_handler_reads(self):
        variables = stack().properties("Function")["Environment"]["Variables"]
        for source in ("rust/src/flags.rs", "python/handler.py", "node/handler.js", "go/main.go"):
            text = (FOLDER / source).read_text()
            for name in variables:
                self.assertIn(name, text, source)
        # With the same time to live by default.
        standard = str(load(PATH)["Parameters"]["CacheSeconds"]["Default"])
        for source, sets in [
            ("rust/src/flags.rs", r"const CACHE_SECONDS: u64 = (\d+);"), ("python/handler.py", r'whole_number\("CACHE_SECONDS", (\d+)\)'),
            ("node/handler.js", r"wholeNumber\('CACHE_SECONDS', (\d+)\)"), ("go/main.go", r"const standardCacheSeconds = (\d+)"),
        ]:
            self.assertEqual(re.findall(sets, (FOLDER / source).read_text()), [standard], source)

    def test_the_handler_is_in_the_archive(self):
        """What `package` puts there, and the function in it."""
        package = (FOLDER / "package").read_text()
        for language, source, called in [
            ("Python", "python/handler.py", "def handler("), ("Node", "node/handler.js", "exports.handler ="),
        ]:
            name, function = stack(Language=language).properties("Function")["Handler"].split(".")
            self.assertIn(f"{name}.", source)
            self.assertIn(function, called)
            self.assertIn(f"cp {source}", package)
            self.assertIn(called, (FOLDER / source).read_text())
        for language in ("Rust", "Go"):
            self.assertEqual(stack(Language=language).properties("Function")["Runtime"], "provided.al2023")
            self.assertIn(f'"$out/{language.lower()}/bootstrap"', package)


class Deployed(unittest.TestCase):
    """Moto makes what CloudFormation would."""

    @classmethod
    def setUpClass(cls):
        cls.cloud = cloud.start()
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("bootstrap", "")
        s3 = cls.cloud.client("s3")
        s3.create_bucket(Bucket=CODE["CodeBucket"], CreateBucketConfiguration={"LocationConstraint": cloud.REGION})
        s3.put_object(Bucket=CODE["CodeBucket"], Key=CODE["CodeKey"], Body=archive.getvalue())

    def test_each_language_becomes_a_function(self):
        cloudformation, functions = self.cloud.client("cloudformation"), self.cloud.client("lambda")
        for language in LANGUAGES:
            name = f"flags-{language.lower()}"
            given = {**CODE, "TableName": "flags", "Prefix": "shop", "Language": language, "Architecture": "x86_64", "CacheSeconds": "5"}
            cloudformation.create_stack(
                StackName=name, TemplateBody=PATH.read_text(), Capabilities=["CAPABILITY_IAM"],
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            )
            (made,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
            self.assertEqual(made["StackStatus"], "CREATE_COMPLETE")
            function = functions.get_function_configuration(FunctionName=name)
            variables = {"DYNAMODB_TABLE": "flags", "PREFIX": "shop", "CACHE_SECONDS": "5"}
            # Moto hands a number on as one.
            self.assertEqual({it: str(value) for it, value in function["Environment"]["Variables"].items()}, variables)
            expected = load(PATH)["Mappings"]["Languages"][language]
            self.assertEqual({it: function[it] for it in expected}, expected)
            self.assertEqual(function["Architectures"], ["x86_64"])


if __name__ == "__main__":
    unittest.main()
