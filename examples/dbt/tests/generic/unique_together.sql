{% test unique_together(model, columns) %}
{# Rows of a key that is made of several columns and occurs twice. #}
select {{ columns | join(', ') }}, count(*) as times
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
